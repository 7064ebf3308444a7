"""The localization trick for any estimator: one small fit around every query."""
