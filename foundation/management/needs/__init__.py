"""What Tiltyard needs around it, examined one by one for `bin/manage doctor`."""
