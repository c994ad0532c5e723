"""The calculator as it is asked: plain figures read into a design or into arms, and answers with reasons. Pure."""
