import { EmbeddedEngine } from "./engine.js";
import { serveEngine } from "./serve.js";

// The program of the engine's process; EngineProcess starts it.
serveEngine((options, onProgress) => EmbeddedEngine.load(options, onProgress));
