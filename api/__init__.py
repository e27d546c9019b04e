"""The REST and WebSocket counters: each route a few lines onto the same verbs that serve MQTT."""
