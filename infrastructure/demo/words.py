"""The word lists for generated titles, people and plots."""

from __future__ import annotations

from typing import Final

ADJECTIVES: Final = (
    "Amber", "Blind", "Borrowed", "Bright", "Broken", "Burning", "Copper", "Crooked", "Distant", "Drowned",
    "Empty", "Faithful", "Final", "Forgotten", "Frozen", "Gentle", "Golden", "Hidden", "Hollow", "Honest",
    "Iron", "Last", "Lonely", "Long", "Lost", "Midnight", "Narrow", "Northern", "Paper", "Patient",
    "Quiet", "Restless", "Salted", "Second", "Silent", "Stolen", "Sunken", "Tender", "Velvet", "Winter",
)  # fmt: skip
NOUNS: Final = (
    "Anchor", "Archive", "Atlas", "Bakery", "Bell", "Bridge", "Canal", "Carousel", "Cartographer", "Choir",
    "Clockmaker", "Compass", "Court", "Crossing", "Daughter", "Election", "Ferry", "Garden", "Glacier", "Harbour",
    "Harvest", "Horizon", "Hotel", "Island", "Journey", "Kingdom", "Ladder", "Lantern", "Letter", "Library",
    "Lighthouse", "Machine", "Map", "Market", "Meridian", "Mirror", "Orchard", "Orchestra", "Parade", "Passenger",
    "Pilot", "Promise", "Quarry", "Railway", "Recipe", "River", "Rooftop", "Season", "Shepherd", "Signal",
    "Sister", "Station", "Stranger", "Suitcase", "Telegram", "Theatre", "Tide", "Tunnel", "Violin", "Witness",
)  # fmt: skip
PLACES: Final = (
    "Aldermoor", "Brackwater", "Calvera", "Dunmarrow", "Eastholm", "Ferrant", "Grimsay", "Havelund", "Istria Bay",
    "Jarrow Hill", "Kestrel Point", "Lower Vane", "Marrakand", "Nettlebridge", "Ostermark", "Port Sorrow",
)  # fmt: skip
FOREIGN_TITLES: Final = (
    "Der {} Fluss", "Die Stille von {}", "Le Pont de {}", "Une saison à {}", "El último tren de {}", "La luz de {}",
    "Ночь в {}", "Дорога на {}", "{}の夏", "{}への手紙", "Il giardino di {}", "Noc nad {}", "{}: Bir Masal",
    "Sådan er {}",
)  # fmt: skip
FIRST_NAMES: Final = (
    "Ada", "Agnès", "Aksel", "Amara", "Anselm", "Beatriz", "Bram", "Cato", "Cécile", "Dalia", "Dmitri", "Edda",
    "Eino", "Elif", "Emeka", "Farah", "Fergus", "Gwen", "Hana", "Hugo", "Ines", "Ivo", "Jarek", "João", "Juno",
    "Kaito", "Lena", "Leopold", "Lúcia", "Maeve", "Malik", "Marit", "Mbali", "Milo", "Nadia", "Niamh", "Noor",
    "Odile", "Oskar", "Pilar", "Priya", "Quentin", "Rafael", "Rosa", "Rune", "Saoirse", "Selim", "Signe", "Søren",
    "Tadeo", "Theo", "Ulla", "Uma", "Vera", "Viggo", "Wanda", "Xenia", "Yara", "Yusuf", "Zofia",
)  # fmt: skip
LAST_NAMES: Final = (
    "Abara", "Almqvist", "Archambault", "Balint", "Barrow", "Bellweather", "Castellane", "Cormac", "Dahlgren",
    "de la Rue", "Dragić", "Eskola", "Fairweather", "Ferreira", "Fontaine", "Garrick", "Goldhammer", "Hakimi",
    "Halloran", "Hirano", "Ibáñez", "Ishikawa", "Jansen", "Kaminski", "Kowal", "Lindqvist", "Lockhart", "MacAskill",
    "Marchetti", "Mbeki-Jones", "Moreau", "Nakagawa", "Novak", "O'Sullivan", "Okonkwo", "Olafsson", "Pashkov",
    "Petrova", "Quist", "Ravenscroft", "Rasmussen", "Rosenthal", "Salonen", "Sandoval", "Schäfer", "Silveira",
    "St. Clair", "Tamm", "Thorne", "Ueda", "Valverde", "van der Meer", "Vass", "Weatherby", "Whitlock", "Yilmaz",
    "Zamora", "Ziegler", "Žižka", "Øverland",
)  # fmt: skip
GENRES: Final = (
    "Drama", "Adventure", "Thriller", "Crime", "Action", "Comedy", "Mystery", "Fantasy", "War", "Sci-Fi", "Family",
    "Animation", "Romance", "Biography", "History", "Sport", "Horror", "Western", "Music", "Musical", "Film-Noir",
)  # fmt: skip
CERTIFICATES: Final = ("R", "PG-13", "PG", "G", "Not Rated", "Approved", "TV-MA", "NC-17")
ROLES: Final = (
    "Captain Orr", "Dr. Hale", "Mrs. Whitcombe", "Neighbour", "Conductor", "Inspector Rook", "Young Tomas", "Nurse",
    "Judge", "Sergeant Pell", "Old Marta", "Bartender", "Twin", "Narrator", "Radio Voice", "Ferry Clerk",
    "Postman", "Priest", "Innkeeper", "Mayor", "Station Master", "Florist", "Border Guard", "Schoolteacher",
)  # fmt: skip
HEROES: Final = (
    ("a retired ferryman", False), ("two estranged sisters", True), ("a night-shift nurse", False),
    ("the last apprentice of a clockmaker", False), ("a disgraced pilot", False), ("the singers of a choir", True),
    ("an archivist without memory", False), ("three brothers", True), ("a widowed lighthouse keeper", False),
    ("an ageing violinist", False), ("two rival bakers", True), ("a young cartographer", False),
)  # fmt: skip
"""Who a plot is about, and whether the verb is plural."""
DEEDS: Final = (
    ("carries", "carry", "a sealed letter across a country at war"),
    ("discovers", "discover", "a lighthouse that was never switched off"),
    ("agrees", "agree", "to keep a stranger's secret"),
    ("returns", "return", "to a town that was flooded for a dam"),
    ("has", "have", "to restore a painting that never existed"),
    ("finds", "find", "a second set of footprints in the snow"),
    ("takes", "take", "the blame for a forgotten crime"),
    ("builds", "build", "a bridge to an abandoned island"),
    ("inherits", "inherit", "a theatre with one last performance to give"),
    ("receives", "receive", "telegrams from a ship that sank years ago"),
)  # fmt: skip
"""Singular verb, plural verb and the rest of the sentence."""
TURNS: Final = (
    "before the first frost", "while the whole valley watches", "in the winter before the war",
    "until an old friend comes to collect a debt", "against all good advice", "after the last train has left",
    "on the longest night of the year", "while the harbour slowly freezes",
)  # fmt: skip
COUNTRIES: Final = {
    "US": "United States", "GB": "United Kingdom", "FR": "France", "DE": "Germany", "IT": "Italy", "ES": "Spain",
    "JP": "Japan", "SE": "Sweden", "PL": "Poland", "BR": "Brazil", "IN": "India", "TR": "Turkey",
}  # fmt: skip
LANGUAGES: Final = {
    "US": "en", "GB": "en", "FR": "fr", "DE": "de", "IT": "it", "ES": "es", "JP": "ja", "SE": "sv", "PL": "pl",
    "BR": "pt", "IN": "hi", "TR": "tr",
}  # fmt: skip
LANGUAGE_NAMES: Final = {
    "en": "English", "fr": "French", "de": "German", "it": "Italian", "es": "Spanish", "ja": "Japanese",
    "sv": "Swedish", "pl": "Polish", "pt": "Portuguese", "hi": "Hindi", "tr": "Turkish",
}  # fmt: skip
CURRENCIES: Final = {
    "US": "USD", "GB": "GBP", "FR": "EUR", "DE": "EUR", "IT": "EUR", "ES": "EUR", "JP": "JPY", "SE": "SEK",
    "PL": "PLN", "BR": "BRL", "IN": "INR", "TR": "TRY",
}  # fmt: skip
KEYWORDS: Final = (
    "lighthouse", "sealed letter", "estranged sisters", "small town", "first snow", "night train", "lost memory",
    "village choir", "flooded town", "border crossing", "old debt", "family secret", "stolen painting", "ferry",
    "clockmaker", "apprentice", "winter storm", "harbour", "false accusation", "bridge", "footprints in snow",
    "retired pilot", "wartime", "inheritance", "theatre", "telegram", "shipwreck", "rivalry", "bakery", "archive",
    "map", "violin", "twins", "journey", "island", "funeral", "wedding", "orphan", "long take", "voice over",
)  # fmt: skip
TAGLINES: Final = (
    "Some doors open only once.", "The tide remembers.", "Every map leaves something out.",
    "Not every bridge leads home.",
    "One letter. One winter.", "Silence has a price.", "The last train does not wait.", "Listen to the snow.",
)  # fmt: skip
COMPANIES: Final = (
    "Northern Lantern Films", "Copper Kettle Pictures", "Studio Ostermark", "Velvet Harbour", "Paper Bridge Media",
    "Quiet Meridian", "Lighthouse Road Productions", "Films du Canal", "Drei Glocken Film", "Saltworks Pictures",
)  # fmt: skip
CREW_CATEGORIES: Final = ("director", "writer", "producer", "composer", "cinematographer", "editor")
CREW_SIZES: Final = {"producer": (1, 2, 3), "composer": (1,), "cinematographer": (1, 1, 2), "editor": (1, 1, 2)}
CREW_JOBS: Final = {"producer": (("producer",), ("executive producer",), ("line producer",))}
WRITER_JOBS: Final = (("screenplay by", "story by"), ("written by",), ("novel",))
PROFESSIONS: Final = {"cast": "actor", **{category: category for category in CREW_CATEGORIES}}
