"""The staff's WeCom application: texts, button cards and their updates."""
