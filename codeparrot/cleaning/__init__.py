"""From raw records to the clean training and validation splits."""
