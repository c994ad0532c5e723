"""What a development machine needs and a production site does not: embedded servers, supervision, set-up."""
