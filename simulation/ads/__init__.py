"""The simulated shop's own ad slots: creatives of campaigns, who clicks on them, and the truth of it in closed form."""
