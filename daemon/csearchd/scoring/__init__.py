"""What a score means: vocabulary, background statistics and calibration."""
