"""The simulated shop: its truth is known, it speaks HTTP only, and imports no rule of ours."""
