"""Hodoscope beside its peers: the same network, the same start-up, the same counter."""
