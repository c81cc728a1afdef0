"""The dimension of what a family can be: ranks from below, symmetries and supports from above."""
