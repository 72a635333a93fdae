"""The sample company's forty vendors, by trade, with what they sell and who has a story. All names are invented."""

from collections.abc import Mapping
from random import Random

from blocks.samples.vendors import Item, Profile, Size, Vendor

ON_TIME_TARGET: Mapping[Size, float] = {"large": 0.92, "medium": 0.90, "small": 0.85}
_MANAGERS = ("Ines Falkenrath", "Tomasz Orlinek", "Beata Quist", "Malik Sandoval-Reyes", "Runa Eikeland")

ITEMS: Mapping[str, tuple[Item, ...]] = {
    "Castings": (Item("pump housing", 8450, 30), Item("bearing bracket", 3120, 60), Item("flange DN80", 1890, 90)),
    "Motors": (Item("motor 1.5 kW", 16900, 12), Item("motor 4 kW", 31250, 8), Item("fan cowl", 1240, 40)),
    "Electronics": (Item("pressure sensor", 2780, 60), Item("control board", 6640, 30), Item("display", 3910, 30)),
    "Seals": (Item("shaft seal", 940, 120), Item("gasket set", 385, 200), Item("o-ring kit", 210, 300)),
    "Fasteners": (Item("bolt set M8", 160, 500), Item("bolt set M12", 240, 400), Item("lock washers", 45, 900)),
    "Packaging": (Item("transport crate", 1850, 60), Item("carton, large", 190, 400), Item("edge guard", 35, 900)),
    "Machined parts": (Item("pump shaft", 4330, 40), Item("impeller", 5720, 40), Item("coupling", 2260, 60)),
    "Plastics": (Item("terminal box", 610, 150), Item("fan wheel", 480, 150), Item("cable gland", 95, 600)),
    "Cables": (Item("motor cable, 10 m", 1420, 80), Item("sensor harness", 870, 120), Item("plug set", 330, 200)),
    "Coatings": (Item("primer, 20 l", 7350, 12), Item("top coat, 20 l", 9180, 12), Item("thinner, 10 l", 2140, 20)),
}

# (name, country, size) by category.
_ROSTER: Mapping[str, tuple[tuple[str, str, Size], ...]] = {
    "Castings": (
        ("Kesselbrun Guss", "DE", "large"),
        ("Varnholt Castings", "NL", "medium"),
        ("Lindqvara Foundry", "SE", "small"),
        ("Tamsin & Orrell Foundry", "GB", "small"),
    ),
    "Motors": (
        ("Morvane Motors", "IT", "large"),
        ("Elbrandt Drives", "DE", "medium"),
        ("Pellgrave Motors", "GB", "medium"),
        ("Quintarra Drives", "ES", "small"),
    ),
    "Electronics": (
        ("Hexbridge Sensors", "MY", "large"),
        ("Nuvolane Controls", "IT", "large"),
        ("Ishikari-Vale Electronics", "JP", "medium"),
        ("Trellium Boards", "TW", "small"),
    ),
    "Seals": (
        ("Odderly Seals", "DK", "small"),
        ("Gasketeria Brianzola", "IT", "medium"),
        ("Fennimark Rubber", "FI", "small"),
        ("Silvrand Sealing", "NL", "small"),
    ),
    "Fasteners": (
        ("Schraubenhof Altmeer", "DE", "large"),
        ("Boltwick & Sons", "GB", "medium"),
        ("Craddenfold Fasteners", "IE", "small"),
        ("Niverra Fixings", "PT", "small"),
    ),
    "Packaging": (
        ("Papyrwell Packaging", "BE", "medium"),
        ("Kistenwerk Uhlenrode", "DE", "medium"),
        ("Cartonnerie du Valmorin", "FR", "small"),
        ("Greenlath Pallets", "PL", "small"),
    ),
    "Machined parts": (
        ("Drehwerk Sollheim", "DE", "large"),
        ("Zarbek & Kaltofen Machining", "CZ", "medium"),
        ("Ashcoombe Turning", "GB", "small"),
        ("Precisa Montelunga", "IT", "small"),
    ),
    "Plastics": (
        ("Moldavar Injection", "RO", "medium"),
        ("Plastiform Querado", "ES", "medium"),
        ("Thornaby Vale Polymers", "GB", "small"),
        ("Ravellane Plastics", "FR", "small"),
    ),
    "Cables": (
        ("Corvendal Cable", "NO", "medium"),
        ("Wireholm Harness", "DK", "large"),
        ("Kabelhaus Dornick", "AT", "small"),
        ("Litzen Noord", "NL", "small"),
    ),
    "Coatings": (
        ("Lackwerk Brenndorf", "DE", "medium"),
        ("Aquashelle Coatings", "FR", "small"),
        ("Tintoria Savaresco", "IT", "small"),
        ("Hallmere Finishing", "GB", "small"),
    ),
}

CONTRACT_ENDS_SOON = "Papyrwell Packaging"
PRICE_RISER = "Morvane Motors"
EXCELLENT = "Odderly Seals"

# The two that got worse are large ones: with fewer deliveries a month, rounding could hide a step of the decline.
STORIES: Mapping[str, Profile] = {
    "Kesselbrun Guss": Profile(
        late_share=0.05,
        late_share_now=0.37,
        defect_share=0.008,
        defect_share_now=0.035,
        mean_delay_days=10.0,
        cause="a tooling failure: the core shooter for the pump housing broke, and its spare is worn out",
        remedy="order the replacement tool, and move the flanges to Varnholt Castings until it runs",
    ),
    "Hexbridge Sensors": Profile(
        late_share=0.06,
        late_share_now=0.35,
        defect_share=0.006,
        defect_share_now=0.010,
        mean_delay_days=9.0,
        cause="a port strike: containers wait for a berth, and the detour by rail is overbooked",
        remedy="fly in the control boards for the next eight weeks at the vendor's cost",
    ),
    "Moldavar Injection": Profile(
        late_share=0.22,
        late_share_now=0.25,
        defect_share=0.045,
        defect_share_now=0.050,
        mean_delay_days=6.0,
        cause="staff shortage in the night shift, so that moulds are changed late and badly",
        remedy="agree on fixed changeover days, and inspect every first batch",
    ),
    "Corvendal Cable": Profile(
        late_share=0.14,
        late_share_now=0.24,
        defect_share=0.007,
        defect_share_now=0.008,
        mean_delay_days=6.0,
        cause="a copper rod shortage after the insolvency of the vendor's own supplier",
        remedy="let the vendor buy copper from our frame contract",
    ),
    PRICE_RISER: Profile(0.03, 0.03, 0.005, 0.005, price_rise=0.18),
    EXCELLENT: Profile(0.004, 0.004, 0.0005, 0.0005, mean_delay_days=1.0, price_rise=0.0),
    CONTRACT_ENDS_SOON: Profile(0.05, 0.05, 0.006, 0.006),
}


def make_vendors(rng: Random) -> tuple[Vendor, ...]:
    """The forty vendors; those without a story get a quiet profile."""
    rows = [(category, *row) for category, members in _ROSTER.items() for row in members]
    return tuple(
        Vendor(
            vendor_id=101 + at,
            name=name,
            category=category,
            country=country,
            size=size,
            account_manager=rng.choice(_MANAGERS),
            preferred=size == "large" or name == EXCELLENT,
            items=ITEMS[category],
            profile=STORIES.get(name) or _quiet(size, rng),
        )
        for at, (category, name, country, size) in enumerate(rows)
    )


def _quiet(size: Size, rng: Random) -> Profile:
    late = round((1 - ON_TIME_TARGET[size]) * rng.uniform(0.3, 0.6), 4)
    defects = round(rng.uniform(0.002, 0.010), 4)
    return Profile(late, late, defects, defects, price_rise=round(rng.uniform(0.0, 0.03), 4))
