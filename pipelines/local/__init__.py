"""Services on this machine that stand for the real ones: Google's emulators and Beam's Prism."""
