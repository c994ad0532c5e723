"""PURE: reports of platforms on schedules that were handed out, from their text to cells that count."""
