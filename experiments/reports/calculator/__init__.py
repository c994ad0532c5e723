"""The calculator as pages: forms that need no JavaScript, and the answer in sentences, a table and a curve."""
