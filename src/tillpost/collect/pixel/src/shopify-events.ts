/** Shopify's standard customer events in Meta's vocabulary: a table, and what fills its rows. */

import { eventId, type Tillpost } from "./fbq";
import type { Data } from "./types";

export interface Catalogue {
  /** How the shop's catalogue at the platform names a product; the server follows the same. */
  content_id?: "product" | "variant" | "sku" | "shopify";
  /** What a sale is worth: its total, that without its tax, or its subtotal; the server follows the same. */
  value?: "total" | "less_tax" | "subtotal";
  /** `pixel`: the shop's own channel tells Meta of the same events under Shopify's ids, so these are kept. */
  native?: "pixel" | "full";
}

interface Money {
  amount: number;
  currencyCode: string;
}

interface Variant {
  id?: string | null;
  sku?: string | null;
  price: Money;
  product: { id?: string | null; title?: string | null };
}

interface Line {
  quantity: number;
  variant?: Variant | null;
  merchandise?: Variant | null;
  finalLinePrice?: Money | null;
}

interface Address {
  firstName?: string | null;
  lastName?: string | null;
  city?: string | null;
  provinceCode?: string | null;
  zip?: string | null;
  countryCode?: string | null;
}

interface Checkout {
  token?: string | null;
  currencyCode?: string | null;
  totalPrice?: Money | null;
  subtotalPrice?: Money | null;
  totalTax?: Money | null;
  lineItems: Line[];
  email?: string | null;
  phone?: string | null;
  billingAddress?: Address | null;
  transactions?: { paymentMethod?: { type?: string | null } | null }[];
  order?: { id?: string | null; customer?: { id?: string | null } | null } | null;
}

/** A standard event, as far as it is used. */
export interface Standard {
  id: string;
  name: string;
  clientId: string;
  timestamp: string;
  context: { document: { location: { href: string }; referrer?: string } };
  data: {
    checkout?: Checkout;
    productVariant?: Variant;
    collection?: { id?: string; title?: string; productVariants: Variant[] };
    searchResult?: { query: string; productVariants: Variant[] };
    cartLine?: (Line & { cost: { totalAmount: Money } }) | null;
    cart?: { id?: string | null; cost: { totalAmount: Money }; lines: Line[] } | null;
  };
}

interface Goods {
  lines: { variant?: Variant | null; quantity: number; paid?: number }[];
  worth?: Money | null;
  extra?: Data;
}

const worth = ({ totalPrice, totalTax, subtotalPrice }: Checkout, base: Catalogue["value"]): Goods["worth"] =>
  base == "subtotal"
    ? subtotalPrice
    : base == "less_tax" && totalPrice && totalTax
      ? { ...totalPrice, amount: +(totalPrice.amount - totalTax.amount).toFixed(3) }
      : totalPrice;

const bought = ({ data: { checkout } }: Standard, { value }: Catalogue): Goods => ({
  lines: checkout!.lineItems.map(({ variant, quantity, finalLinePrice }) => ({
    variant,
    quantity,
    paid: finalLinePrice?.amount,
  })),
  worth: worth(checkout!, value),
  extra: checkout!.order?.id ? { order_id: checkout!.order.id } : {},
});

const listed = (variants: Variant[] = []): Goods["lines"] =>
  variants.map((variant) => ({ variant, quantity: 1 }));

const line = ({ data: { cartLine } }: Standard): Goods => ({
  lines: cartLine ? [{ variant: cartLine.merchandise, quantity: cartLine.quantity }] : [],
  worth: cartLine?.cost.totalAmount,
});

type Fill = (event: Standard, catalogue: Catalogue) => Goods;

/** Shopify's name, Meta's name, and where its goods and worth stand. Custom names are Meta's to ignore. */
const EVENTS: Record<string, [name: string, fill: Fill]> = {
  page_viewed: ["PageView", () => ({ lines: [] })],
  product_viewed: [
    "ViewContent",
    ({ data: { productVariant: variant } }) => ({ lines: [{ variant, quantity: 1 }], worth: variant?.price }),
  ],
  collection_viewed: [
    "ViewCategory",
    ({ data: { collection } }) => ({
      lines: listed(collection?.productVariants),
      extra: { content_category: collection?.title },
    }),
  ],
  search_submitted: [
    "Search",
    ({ data: { searchResult } }) => ({
      lines: listed(searchResult?.productVariants),
      extra: { search_string: searchResult?.query },
    }),
  ],
  product_added_to_cart: ["AddToCart", line],
  product_removed_from_cart: ["RemoveFromCart", line],
  cart_viewed: [
    "ViewCart",
    ({ data: { cart } }) => ({
      lines: (cart?.lines || []).map(({ merchandise: variant, quantity }) => ({ variant, quantity })),
      worth: cart?.cost.totalAmount,
    }),
  ],
  // Of a checkout that begins Shopify's server tells the subtotal, and both sides must tell the same.
  checkout_started: ["InitiateCheckout", (event) => bought(event, { value: "subtotal" })],
  checkout_shipping_info_submitted: ["AddShippingInfo", bought],
  payment_info_submitted: ["AddPaymentInfo", bought],
  checkout_completed: ["Purchase", bought],
};

export const STOREFRONT = Object.keys(EVENTS).slice(0, 7);
export const CHECKOUT = Object.keys(EVENTS).slice(7);

const contentId = (variant: Variant, kind: Catalogue["content_id"], country: string): string =>
  (kind == "variant" && variant.id) ||
  (kind == "shopify" &&
    variant.product.id &&
    variant.id &&
    `shopify_${country}_${variant.product.id}_${variant.id}`) ||
  ((!kind || kind == "product") && variant.product.id) ||
  variant.sku ||
  "";

const custom = ({ lines, worth, extra }: Goods, kind: Catalogue["content_id"], country: string): Data => {
  const contents = lines.flatMap(({ variant, quantity, paid }) => {
    const id = variant && contentId(variant, kind, country);
    const item_price = paid === undefined ? variant?.price.amount : paid / quantity;
    return id ? [{ id, quantity, item_price }] : [];
  });
  return {
    ...extra,
    ...(worth && { value: worth.amount, currency: worth.currencyCode }),
    ...(contents[0] && {
      content_type: !kind || kind == "product" ? "product_group" : "product",
      content_ids: contents.map(({ id }) => id),
      contents,
      num_items: contents.reduce((sum, { quantity }) => sum + quantity, 0),
    }),
  };
};

/** What the buyer typed, raw: the server hashes it in the request that brings it. */
const typed = ({ email, phone, billingAddress: at, order }: Checkout): Data => {
  const given = {
    em: email,
    ph: phone,
    fn: at?.firstName,
    ln: at?.lastName,
    ct: at?.city,
    st: at?.provinceCode,
    zp: at?.zip,
    country: at?.countryCode,
    external_id: order?.customer?.id,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
};

export interface Mapped {
  name: string;
  id: string;
  data: Data;
  token?: string;
  user?: Data;
  /** A sale that is not paid yet, or for nothing: the server tells it later or not at all. */
  unsold: boolean;
}

/** Shopify's kinds of payment that only promise the money: cash on delivery, a transfer, terms. */
const LATER = ["manualPayment", "deferred"];

const unsold = ({ totalPrice, transactions }: Checkout): boolean =>
  !(totalPrice && totalPrice.amount > 0) ||
  !!transactions?.some(({ paymentMethod }) => LATER.includes(paymentMethod?.type || ""));

/**
 * Our event for Shopify's: the id is the checkout's own where the server will know it too,
 * and Shopify's where the shop's own channel uses that.
 */
export const value = (event: Standard, catalogue: Catalogue, country: string): Mapped => {
  const [name, fill] = EVENTS[event.name]!;
  const { checkout } = event.data;
  const token = checkout?.token || undefined;
  const joined =
    token && catalogue.native != "pixel" && (name == "Purchase" || name == "InitiateCheckout");
  return {
    name,
    id: joined ? eventId({ k: token } as Tillpost, name) : event.id,
    data: custom(fill(event, catalogue), catalogue.content_id, country),
    token,
    user: checkout && typed(checkout),
    unsold: name == "Purchase" && unsold(checkout!),
  };
};
