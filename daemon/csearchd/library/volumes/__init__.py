"""What becomes of files when their disk is unmounted or mounted.

volumes.py identifies file systems, disks.py detaches and attaches their directories, unmounted.py
looks up what is on unmounted ones.
"""
