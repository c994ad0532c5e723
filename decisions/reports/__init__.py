"""Pages about models, decision points, decisions and promotions."""
