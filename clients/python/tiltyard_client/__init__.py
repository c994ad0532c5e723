"""Tiltyard for servers of a shop: experiments evaluated in process, events reported in the background.

client = Client(Settings(url="https://edge.example.com", server_key="ty_server_.."))
for assignment in client.assign({"visitor": "v-1"}, {"country": "DE"}):
    ...
"""

from experiments.assignment.snapshot import Assignment
from experiments.vocabulary import Reason
from tiltyard_client.client import Client, Status
from tiltyard_client.flags import FlagAnswer
from tiltyard_client.settings import Settings

__all__ = ["Assignment", "Client", "FlagAnswer", "Reason", "Settings", "Status"]
