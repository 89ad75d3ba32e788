"""One training loop for all networks: AdamW with a one-cycle learning rate, on one core, with a stated seed."""
import torch
from torch import nn


def cross_entropy(model, x, y):
    return nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)


def own_loss(model, x, _):
    """For networks whose output is the loss of each event."""
    return model(x).mean()


def train(build, x, y, loss, epochs, seed, batch=512, rate=5e-3, decay=1e-3):
    """Builds and trains a network; `build` draws its initial weights after the seed is set."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    model = build()
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    steps = -(-len(x) // batch) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps + 1)
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x)).split(batch):
            value = loss(model, x[rows], y[rows])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
            total += value.item() * len(rows)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(x):.5f}", flush=True)
    return model.eval()
