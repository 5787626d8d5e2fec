"""Events go out to the ad platforms."""
