"""Who is protected from whom, with which device, until when."""
