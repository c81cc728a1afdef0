"""The algebra of convolution stacks: what they cost and what they can express, exactly."""

__version__ = "0.1.0"
