//! HTTP, WebSocket, the client script and the pages' way into a browser.
