"""The words that titles, people and plots are put together from. All of it is invented."""

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
    "the Captain", "Dr. Hale", "Mrs. Whitcombe", "a neighbour", "the Conductor", "Inspector Rook", "young Tomas",
    "Nurse", "the Judge", "Sergeant Pell", "Old Marta", "Bartender", "the Twin", "Self", "Narrator", "Radio voice",
)  # fmt: skip
HEROES: Final = (
    "a retired ferryman", "two estranged sisters", "a night-shift nurse", "the last apprentice of a clockmaker",
    "a disgraced pilot", "a village choir", "an archivist with no memory", "a child who will not speak",
)  # fmt: skip
DEEDS: Final = (
    "must carry a sealed letter across a country at war", "discovers that the lighthouse has been lit all along",
    "agrees to keep a secret that is not worth keeping", "returns to the town that was drowned for a dam",
    "is asked to restore a painting that never existed", "finds a second set of footprints in the snow",
    "takes the blame for a crime nobody has noticed", "builds a bridge that leads nowhere",
)  # fmt: skip
TURNS: Final = (
    "before the first frost", "while the whole valley looks away", "and learns what silence costs",
    "only to be recognised at the border", "as an old friend comes to collect a debt", "against all good advice",
)  # fmt: skip
