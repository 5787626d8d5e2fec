-- What a piece of a product costs the shop; `product` is its SKU, variant or product id.
CREATE TABLE product_costs (
    shop TEXT NOT NULL,
    product TEXT NOT NULL,
    cost_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (shop, product)
) WITHOUT ROWID;
