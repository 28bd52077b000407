"""The HTTP shell of the API: who asks, what is asked, and how it is answered."""
