"""How we call WeChat and WeCom: tokens, error codes, time-outs and secrets, the same for both."""
