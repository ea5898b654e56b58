"""What is known of credentials, and for how long: the providers' own words are the adapters' business."""
