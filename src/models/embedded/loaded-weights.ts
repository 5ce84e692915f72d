import type { Llama, LlamaModel } from "node-llama-cpp";
import { type Adapter, isWholeModel } from "../../core/entities.js";
import { messageOf, RedistillError } from "../../core/errors.js";

/** The model in memory: the base weights, or a whole model that was trained from them. One at a time. */
export class LoadedWeights {
  /** Whether a file could not be loaded: node-llama-cpp then waits for ever when it is to be closed. */
  failed = false;

  private constructor(
    private readonly llama: Llama,
    private readonly basePath: string,
    private readonly onLoading: () => void,
    private loaded: LlamaModel,
    /** sha256 of the whole model; null is the base. */
    private whole: string | null,
  ) {}

  /**
   * Loads the base weights.
   *
   * @param onLoading Called now and then while weights are read, these and later ones.
   * @throws RedistillError `model` when llama.cpp cannot run the file.
   */
  static async ofBase(llama: Llama, path: string, onLoading: () => void): Promise<LoadedWeights> {
    const model = await loadModel(llama, path, onLoading).catch((cause) => {
      throw new RedistillError(
        "model",
        `llama.cpp cannot load ${path}: ${messageOf(cause)}`,
        "Give a GGUF file of a text model that llama.cpp supports, or leave --model out.",
        { cause },
      );
    });
    return new LoadedWeights(llama, path, onLoading, model, null);
  }

  /** Whole models have the base's vocabulary: texts are the same tokens whichever is here. */
  get model(): LlamaModel {
    return this.loaded;
  }

  /** Whether an adapter (null: none) can be answered with by the weights that are here. */
  fits(adapter: Adapter | null): boolean {
    return wholeOf(adapter) === this.whole;
  }

  /**
   * Loads the weights that an adapter needs; contexts of those that are here must be closed before.
   *
   * @throws RedistillError `model` when they cannot be loaded; the base weights are here then.
   */
  async change(adapter: Adapter | null): Promise<void> {
    await this.loaded.dispose();
    try {
      const path = adapter !== null && isWholeModel(adapter) ? adapter.ggufPath : this.basePath;
      this.loaded = await loadModel(this.llama, path, this.onLoading);
      this.whole = wholeOf(adapter);
    } catch (cause) {
      this.failed = true;
      this.loaded = await loadModel(this.llama, this.basePath, this.onLoading);
      this.whole = null;
      throw new RedistillError(
        "model",
        `llama.cpp cannot load the trained model ${adapter?.ggufPath ?? this.basePath}: ${messageOf(cause)}`,
        "`redistill verify` says whether its file is whole; in half precision it also needs more memory than quantised weights.",
        { cause },
      );
    }
  }

  async dispose(): Promise<void> {
    await this.loaded.dispose();
  }
}

function wholeOf(adapter: Adapter | null): string | null {
  return adapter !== null && isWholeModel(adapter) ? adapter.sha256 : null;
}

function loadModel(llama: Llama, modelPath: string, onLoading: () => void): Promise<LlamaModel> {
  return llama.loadModel({ modelPath, onLoadProgress: () => onLoading() });
}
