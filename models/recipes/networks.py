"""The four networks. Each begins with its own normalisation, so that the ONNX input is in physical units."""
import torch
from torch import nn


def dense(sizes, last=False, batch_norm=False):
    """Dense layers with ReLU between them, and after the last one if asked."""
    layers = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(inputs, outputs))
        if i < len(sizes) - 2 or last:
            layers += [nn.BatchNorm1d(outputs)] if batch_norm else []
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class ParticleFlow(nn.Module):
    """Deep set over constituents: F(sum of Phi over those with pT > 0); input [batch, capacity, 3]."""

    def __init__(self, scale):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.phi = dense((3, 32, 32, 16), last=True)
        self.f = dense((16, 32, 1))

    def forward(self, x):
        mask = (x[..., 0:1] > 0).float()
        latent = (self.phi(x * self.scale) * mask).sum(dim=1)
        return self.f(latent)


class EnergyFlow(nn.Module):
    """Infrared and collinear safe deep set: F(sum of z Phi(angles)); an empty slot has z = 0 and adds nothing.

    Trained on the logit; in evaluation, and so in the ONNX file, the output is a probability.
    """

    def __init__(self, pt_scale, angle_scale):
        super().__init__()
        self.register_buffer("pt_scale", torch.tensor(pt_scale))
        self.register_buffer("angle_scale", torch.tensor(angle_scale))
        self.phi = dense((2, 32, 32, 16), last=True)
        self.f = dense((16, 32, 1))

    def forward(self, x):
        z = x[:, :, 0:1] * self.pt_scale
        latent = (z * self.phi(x[:, :, 1:3] * self.angle_scale)).sum(dim=1)
        logit = self.f(latent)
        return logit if self.training else torch.sigmoid(logit)


class Autoencoder(nn.Module):
    """Dense autoencoder; the output is the mean squared error of the normalised input."""

    def __init__(self, scale, sizes=(48, 32, 16, 6)):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.encoder, self.decoder = dense(sizes), dense(sizes[::-1])

    def forward(self, x):
        x = x * self.scale
        return ((self.decoder(self.encoder(x)) - x) ** 2).mean(dim=1, keepdim=True)


class Encoder(nn.Module):
    """What a trigger runs of a variational autoencoder: the means of the latent variables, and sum mu^2 as the score."""

    def __init__(self, scale, sizes=(57, 32, 16), latent=8):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.trunk = dense(sizes, last=True, batch_norm=True)
        self.mu = nn.Linear(sizes[-1], latent)

    def forward(self, x):
        mu = self.mu(self.trunk(x * self.scale))
        return (mu * mu).sum(dim=1, keepdim=True)


class Variational(nn.Module):
    """An Encoder with the parts needed only in training; forward gives the loss of each event.

    The decoder aims at log2(1 + pT/GeV)/4, eta/32 and phi/64: with pT itself, the hardest dijets would look like the
    strangest events. Leptons count three times as much as MET and jets.
    """

    def __init__(self, encoder, beta):
        super().__init__()
        self.encoder, self.beta = encoder, beta
        inputs, hidden = encoder.trunk[0].in_features, encoder.mu.in_features
        latent = encoder.mu.out_features
        self.log_variance = nn.Linear(hidden, latent)
        self.decoder = dense((latent, hidden, 32, inputs))

    def forward(self, x):
        hidden = self.encoder.trunk(x * self.encoder.scale)
        mu, log_variance = self.encoder.mu(hidden), self.log_variance(hidden)
        drawn = mu + torch.randn_like(mu) * torch.exp(0.5 * log_variance)
        pt, eta, phi = x[:, 0::3], x[:, 1::3], x[:, 2::3]
        weight = torch.tensor([1.0] + [3.0] * 8 + [1.0] * 10)
        target = torch.stack([weight * torch.log2(1 + pt) / 4, eta / 32, phi / 64], 2).flatten(1)
        error = ((self.decoder(drawn) - target) ** 2).mean(dim=1)
        divergence = 0.5 * (mu ** 2 + log_variance.exp() - 1 - log_variance).mean(dim=1)
        return error + self.beta * divergence
