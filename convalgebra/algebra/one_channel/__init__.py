"""One-channel chains, where polynomials factor uniquely."""
