"use strict";

const os = require("node:os");
const express = require("express");

const app = express();
const identity = { service: "api", status: "ok", instance: os.hostname() };

app.use((request, response, next) => {
  response.set("X-Served-By", "api");
  next();
});
app.get(["/api", "/api/health", "/health"], (request, response) => response.json(identity));

app.listen(5000, "0.0.0.0", () => console.log("api listening on 5000"));
