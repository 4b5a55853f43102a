"use strict";
// Starts Swagger UI. What it needs to know stands on its own script element, so that no inline script is needed.
(function () {
  var data = document.currentScript.dataset;
  var safe = ["GET", "HEAD", "OPTIONS", "TRACE"];

  function cookie(name) {
    var found = document.cookie.split("; ").filter(function (pair) {
      return pair.indexOf(name + "=") === 0;
    });
    return found.length ? found[0].slice(name.length + 1) : "";
  }

  // The token goes to this application alone, and only with requests that change something.
  function withToken(request) {
    var url = new URL(request.url, window.location.href);
    var token = cookie(data.csrfCookie);
    var unsafe = safe.indexOf((request.method || "GET").toUpperCase()) < 0;
    if (token && unsafe && !request.loadSpec && url.origin === window.location.origin) {
      request.headers = request.headers || {};
      request.headers[data.csrfHeader] = token;
    }
    return request;
  }

  function choices(system) {
    return {
      // A form's label for several alternatives, each said once: `string | (string | string)` is "string".
      afterLoad: function (loaded) {
        var label = loaded.fn.getSchemaObjectTypeLabel;
        this.fn.getSchemaObjectTypeLabel = function (schema) {
          var said = label(schema);
          if (/<[^>]*[|(]/.test(said)) return said;
          var kinds = said.split(/[|()]/).map(function (kind) { return kind.trim(); });
          return kinds.filter(function (kind, at) { return kind && kinds.indexOf(kind) === at; }).join(" | ");
        };
      },
      components: {
        // Looked for by its format; the field for text knows that of files.
        JsonSchema_string_binary: function File(props) {
          return system.React.createElement(props.getComponent("JsonSchema_string"), props);
        },
      },
      wrapComponents: {
        JsonSchemaForm: function (Original) {
          return function Form(props) {
            return system.React.createElement(Original, Object.assign({}, props, { schema: asField(props.schema) }));
          };
        },
      },
    };
  }

  // The schema as Swagger UI has a field for it: a boolean, spelled in many ways (`type: [boolean, string]`) and in forms also empty,
  // is a choice; a list or its one item (of a form) is a list; a file is called so in OpenAPI 3.0's words, also in a list;
  // and a number that stands in an `allOf` is no less one.
  function asField(schema) {
    if (!schema || !schema.getIn) return schema;
    if (schema.has("allOf")) schema = schema.get("allOf").first().merge(schema.delete("allOf"));
    if (schema.getIn(["anyOf", 0, "type"]) === "array") schema = schema.get("anyOf").first().merge(schema.delete("anyOf"));
    if (schema.has("items")) return schema.set("type", "array").set("items", asFile(schema.get("items")));
    if (schema.has("contentMediaType")) return asFile(schema);
    var mayBeEmpty = schema.getIn(["anyOf", 1, "const"]) === "";
    var types = schema.getIn(mayBeEmpty ? ["anyOf", 0, "type"] : ["type"]);
    if (types && typeof types !== "string" && types.includes("boolean")) return schema.delete("anyOf").set("type", "boolean");
    return schema;
  }

  function asFile(schema) {
    return schema.has("contentMediaType") && !schema.has("type") ? schema.merge({ type: "string", format: "binary" }) : schema;
  }

  window.ui = window.SwaggerUIBundle({
    url: data.document,
    dom_id: "#docs",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    requestInterceptor: withToken,
    plugins: [choices],
  });
})();
