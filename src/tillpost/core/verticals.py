"""Parameters of `custom_data` that only some trades use: travel, cars, homes; and those of apps.

All are optional and documented (custom data parameters). A name with values takes no others.
"""

from typing import Final

from msgspec import Struct


class Vertical(Struct, frozen=True):
    """One such parameter: the values it may have, or none where any will do."""

    name: str
    values: tuple[str, ...] = ()


_FREE: Final = """
    ad_type checkin_date city condition_of_vehicle country departing_arrival_date
    departing_departure_date destination_airport destination_ids dma_code exterior_color
    fb_content fb_content_id fb_description fb_level fb_max_rating_value
    fb_payment_info_available fb_registration_method fb_success hotel_score interior_color
    lease_end_date lease_start_date make mileage.unit mileage.value model neighborhood
    num_adults num_children num_infants origin_airport postal_code preferred_baths_range
    preferred_beds_range preferred_neighborhoods preferred_num_stops preferred_price_range
    preferred_star_ratings price product_catalog_id region returning_arrival_date
    returning_departure_date state_of_vehicle suggested_destinations suggested_home_listings
    suggested_hotels suggested_jobs suggested_local_service_businesses
    suggested_location_based_items suggested_vehicles travel_end travel_start trim user_bucket
    vin year _valueToSum
"""

_CHOICES: Final = {
    "availability": "available_soon for_rent for_sale off_market recently_sold sale_pending",
    "body_style": ("CONVERTIBLE COUPE CROSSOVER HATCHBACK MINIVAN OTHER SEDAN SUV TRUCK VAN WAGON"),
    "drivetrain": "4X2 4X4 AWD FWD NONE OTHER RWD",
    "fuel_type": "DIESEL ELECTRIC FLEX GASOLINE HYBRID NONE OTHER PETROL PLUGIN_HYBRID",
    "listing_type": (
        "for_rent_by_agent for_rent_by_owner for_sale_by_agent for_sale_by_owner "
        "foreclosed new_construction new_listing"
    ),
    "property_type": "apartment condo house land manufactured other townhouse",
    "transmission": "AUTOMATIC MANUAL NONE OTHER",
    "travel_class": "business economy first premium",
}

VERTICALS: Final = (
    *(Vertical(name, tuple(values.split())) for name, values in _CHOICES.items()),
    *(Vertical(name) for name in _FREE.split()),
)
"""Every such parameter, those with fixed values first."""

VERTICAL_NAMES: Final = frozenset(row.name for row in VERTICALS)

VERTICAL_CHOICES: Final = {
    row.name: frozenset(value.lower() for value in row.values) for row in VERTICALS if row.values
}
"""Parameter -> its values in lower case; letters of either case are taken (I)."""
