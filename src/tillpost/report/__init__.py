"""What it was worth: ads, channels, campaigns, orders, spend and true ROAS."""
