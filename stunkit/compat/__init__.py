"""Drop-ins: other packages' interfaces, with this package's answers behind them."""
