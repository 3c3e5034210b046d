import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { useCutout } from "./use-cutout.js";

function App() {
  const [source, setSource] = useState("/photo.webp");
  const { url, progress, error } = useCutout(source, { server: "/", size: 64 });
  return (
    <>
      <input type="file" accept="image/*" onChange={({ target }) => setSource(target.files[0])} />
      {error && <p role="alert">{error.message}</p>}
      {!url && !error && <p role="status">{progress?.stage ?? "starting"}</p>}
      {url && <img alt="Cut-out" src={url} />}
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
