"""Facts from the shop and the browser come in, and become Events."""
