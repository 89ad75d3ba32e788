"""One training loop for all networks: AdamW with a one-cycle learning rate, on one core, with a stated seed."""
import math

import torch
from torch import nn


def cross_entropy(model, x, y):
    return nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)


def own_loss(model, x, _):
    """For networks whose output is the loss of each event."""
    return model(x).mean()


def reflect(x):
    """Each event mirrored at random in eta and in phi, which physics does not mind; fields are (pT, eta, phi)."""
    signs = torch.randint(0, 2, (len(x), 1, 3)) * 2.0 - 1
    signs[..., 0] = 1
    return (x.reshape(len(x), -1, 3) * signs).reshape(x.shape)


def keep(x):
    """Events as they are."""
    return x


def train(build, x, y, loss, epochs, seed, augment, batch=512, rate=1e-2, decay=1e-3):
    """Builds and trains a network; `build` draws its initial weights after the seed is set."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    model = build()
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    optimise(model, x, y, loss, epochs, augment, batch, rate, decay)
    return model.eval()


def optimise(model, x, y, loss, epochs, augment, batch=512, rate=1e-2, decay=1e-3):
    """The loop itself. Parameters that ask for no gradient, and layers that `frozen` holds, stay as they are."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    steps = -(-len(x) // batch) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps + 1)
    model.train()
    for layer in getattr(model, "frozen", []):
        layer.eval()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x)).split(batch):
            value = loss(model, augment(x[rows]), y[rows])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
            total += value.item() * len(rows)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(x):.5f}", flush=True)


def onto_grid(linear, norm, scale):
    """Puts a layer's weights, seen with its BatchNorm and the scale of its inputs folded in, onto 8-bit multiples of one
    power of two, and freezes the layer. Quantising the file to 8 bits then changes nothing in it."""
    with torch.no_grad():
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        fold = factor[:, None].double() * scale[None, :].double()
        folded = linear.weight.double() * fold
        step = 2.0 ** math.ceil(math.log2(folded.abs().max().item() / 127))
        linear.weight.copy_(torch.round(folded / step) * step / fold)
    for parameter in [*linear.parameters(), *norm.parameters()]:
        parameter.requires_grad = False
