"""Brands as people write them, and the texts of EXIF's enumerations (Exif 2.32, 4.6.5)."""

import re

BRANDS = {
    "nikon": "Nikon",
    "canon": "Canon",
    "sony ericsson": "Sony Ericsson",
    "sony": "Sony",
    "fujifilm": "Fujifilm",
    "fuji photo film": "Fujifilm",
    "olympus": "Olympus",
    "om digital solutions": "OM System",
    "om system": "OM System",
    "panasonic": "Panasonic",
    "pentax": "Pentax",
    "asahi optical": "Pentax",
    "ricoh": "Ricoh",
    "leica": "Leica",
    "hasselblad": "Hasselblad",
    "phase one": "Phase One",
    "sigma": "Sigma",
    "eastman kodak": "Kodak",
    "kodak": "Kodak",
    "casio": "Casio",
    "konica minolta": "Konica Minolta",
    "konica": "Konica",
    "minolta": "Minolta",
    "samsung": "Samsung",
    "apple": "Apple",
    "google": "Google",
    "huawei": "Huawei",
    "honor": "Honor",
    "xiaomi": "Xiaomi",
    "oneplus": "OnePlus",
    "oppo": "OPPO",
    "vivo": "vivo",
    "realme": "realme",
    "motorola": "Motorola",
    "nokia": "Nokia",
    "hmd global": "Nokia",
    "lg electronics": "LG",
    "lge": "LG",
    "lg": "LG",
    "htc": "HTC",
    "blackberry": "BlackBerry",
    "research in motion": "BlackBerry",
    "asus": "ASUS",
    "lenovo": "Lenovo",
    "zte": "ZTE",
    "microsoft": "Microsoft",
    "hewlett-packard": "HP",
    "hp": "HP",
    "epson": "Epson",
    "seiko epson": "Epson",
    "gopro": "GoPro",
    "insta360": "Insta360",
    "dji": "DJI",
    "parrot": "Parrot",
    "autel robotics": "Autel Robotics",
    "skydio": "Skydio",
    "flir": "FLIR",
    "micasense": "MicaSense",
    "polaroid": "Polaroid",
    "jvc": "JVC",
    "sanyo": "Sanyo",
    "toshiba": "Toshiba",
    "vivitar": "Vivitar",
    "mamiya": "Mamiya",
}
"""Brand by how a make or model begins, in lower case."""

COMPANY = re.compile(
    r"[\s,]+(?:corporation|corp|company|co|inc|incorporated|limited|ltd|llc|gmbh|ag|kg|kk|s\.?a|"
    r"electric|electronics|electromechanical|technologies|technology|imaging|camera|optical|"
    r"communications?|mobile|industries|international)\b.*$",
    re.IGNORECASE,
)
"""What follows the name in that of a company."""

METERING = {
    1: "Average",
    2: "Center-weighted average",
    3: "Spot",
    4: "Multi-spot",
    5: "Multi-segment",
    6: "Partial",
    255: "Other",
}

PROGRAM = {
    1: "Manual",
    2: "Program AE",
    3: "Aperture-priority AE",
    4: "Shutter speed priority AE",
    5: "Creative (slow speed)",
    6: "Action (high speed)",
    7: "Portrait",
    8: "Landscape",
    9: "Bulb",
}

WHITE_BALANCE = {0: "Auto", 1: "Manual"}
