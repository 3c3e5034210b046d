import { removeBackground } from "headwater";
import { useEffect, useState } from "react";

/**
 * The cut-out of `source` (an address or a File) as an address for an <img>. While there is none, `progress` is the
 * last step of loading; `error` is a HeadwaterError, and its `code` says what to do.
 */
export function useCutout(source, options) {
  const [state, setState] = useState({});
  // Options are written anew with each rendering, and are the same as long as their text is.
  const text = JSON.stringify(options);
  useEffect(() => {
    if (!source) return setState({});
    const controller = new AbortController();
    const { signal } = controller;
    let url;
    setState({});
    const onProgress = (progress) => setState({ progress });
    removeBackground(source, { ...JSON.parse(text ?? "{}"), signal, onProgress })
      .then((blob) => {
        if (signal.aborted) return;
        url = URL.createObjectURL(blob);
        setState({ url });
      })
      .catch((error) => {
        if (!signal.aborted) setState({ error });
      });
    return () => {
      controller.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [source, text]);
  return state;
}
