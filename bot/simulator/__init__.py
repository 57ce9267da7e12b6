"""An emulator of the WeChat and WeCom servers with phones to write from, for development, tests and benchmarks only."""
