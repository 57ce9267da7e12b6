"""The one door out: what is to be sent is a row that commits together with the state that asks for it."""
