export { type Script, ScriptedChatModel } from "./models/scripted.js";
