"""One-channel chains, where polynomials factor uniquely and everything is decided."""
