"""The words that made-up shop data is made of."""

FIRST_NAMES = (
    "Ada", "Björn", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hana", "Íñigo", "Jana",
    "Kofi", "Lucía", "Mehmet", "Nora", "Olu", "Paweł", "Quynh", "Rosa", "Søren", "Tomoko",
)  # fmt: skip
LAST_NAMES = (
    "Andersson", "Bianchi", "Çelik", "Dubois", "Eze", "Fischer", "García", "Haddad", "Ito",
    "Jansen", "Kowalski", "Lindqvist", "Müller", "Nowak", "O'Brien", "Petrov", "Rossi", "Sato",
)  # fmt: skip

CATEGORIES = (
    ("audio", "Audio"),
    ("books", "Books"),
    ("garden", "Garden"),
    ("kitchen", "Kitchen"),
    ("office", "Office"),
    ("outdoor", "Outdoor"),
)
NOUNS = {
    "audio": ("Headphones", "Speaker", "Record Player", "Microphone"),
    "books": ("Cookbook", "Atlas", "Notebook", "Field Guide"),
    "garden": ("Watering Can", "Spade", "Planter", "Hose"),
    "kitchen": ("Kettle", "Teapot", "Chef's Knife", "Café Cup"),
    "office": ("Desk Lamp", "Chair", "Stapler", "Monitor Stand"),
    "outdoor": ("Tent", "Backpack", "Sleeping Bag", "Lantern"),
}
ADJECTIVES = ("Classic", "Compact", "Everyday", "Folding", "Heavy", "Light", "Quiet", "Sturdy")

PRAISE = ("Does what it says", "Very happy with it", "Worth every cent", "Better than my old one")
NEUTRAL = ("Does the job", "Good, with small flaws", "As expected", "Fine for the price")
BLAME = ("Broke after a week", "Not for me", "Smaller than it looks", "Sent it back")
SENTENCES = (
    "I have used it every day since it arrived.",
    "Delivery took two days, quicker than the “promise”.",
    "The colour is a little darker than in the picture.",
    "My neighbour has bought the same one now.",
    "The manual could be clearer, but you hardly need it.",
    "It feels solid & well made.",
    'The box said "handle with care", and somebody did.',
    "For this price (< 50 €) I had expected less.",
    "Would I buy it again? Yes.",
    "日本語の説明書も入っていました。",
)

NOTICE_TITLES = (
    "Our warehouse is closed on {day}",
    "New in the shop: {noun}",
    "Longer returns until {day}",
    "Recall: {noun}, batch {number}",
    "Maintenance on {day}, 02:00 to 03:00 UTC",
)
NOTICE_BODIES = (
    "We answer every message within one working day.",
    "Orders that are on their way are not affected.",
    "Thank you for your patience & your trust.",
    "You find details in your account under “Orders”.",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

QUESTIONS = (
    ("account", "How do I change my picture?", "Log in and open your profile."),
    ("account", "Can I shop without an account?", "Not yet: orders belong to a member."),
    ("delivery", "How long does delivery take?", "Two to four working days."),
    ("delivery", "Do you deliver abroad?", "To every country of the European Union."),
    ("delivery", "What does delivery cost?", "Nothing, however small the order."),
    ("orders", "Can I cancel an order?", "Write to us before it is shipped."),
    ("orders", "Where do I see my orders?", "Under “Orders”, also as a CSV file."),
    ("payment", "How can I pay?", "By card, or by invoice up to 1,000 €."),
    ("payment", "When is my card charged?", "When the parcel leaves our warehouse."),
    ("returns", "How long can I return things?", "Thirty days, unused & in their box."),
    ("returns", "Who pays for a return?", "We do, if the article has a fault."),
    ("returns", "When do I get my money back?", "Within five days after it arrived."),
)
