// Opens Swagger UI on this service's own OpenAPI document. A document that names no server is for the folder of this
// page: a proxy may publish the service under a prefix that it removes.
const folder = new URL(".", location.href).pathname.replace(/\/$/, "");

window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  responseInterceptor: (response) => {
    if (folder && response.ok && response.url.endsWith("/openapi.json")) {
      const description = JSON.parse(response.text);
      description.servers ??= [{ url: folder }];
      response.text = JSON.stringify(description);
    }
    return response;
  },
});

// Shows the names of all examples of a request at once: a closed list hides that the recipe is the better one.
new MutationObserver(() => {
  for (const list of document.querySelectorAll(".examples-select select")) {
    if (list.size !== list.length) list.size = list.length;
  }
}).observe(document.body, { childList: true, subtree: true });
