"""The official account: sending as a channel, through wechatpy's API methods and our own transport."""
