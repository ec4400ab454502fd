-- The connection to `wright lsp`: its configuration for vim.lsp, its clients, and what is told to it.

local M = {}

M.NAME = 'wright'

---@return vim.lsp.Client?
function M.client(bufnr)
  return vim.lsp.get_clients({ name = M.NAME, bufnr = bufnr })[1]
end

--- Sends a notification to the server of a buffer; without one there is nobody to tell.
---@param bufnr integer
---@param method string
---@param params table
function M.notify(bufnr, method, params)
  local client = M.client(bufnr)
  if client then
    client:notify(method, params)
  end
end

--- Runs a command of the server, such as the report that a suggestion was accepted.
---@param client vim.lsp.Client
---@param command? lsp.Command
---@param bufnr integer
function M.execute(client, command, bufnr)
  if command then
    local params = { command = command.command, arguments = command.arguments }
    client:request('workspace/executeCommand', params, function() end, bufnr)
  end
end

--- Returns the server's id of a suggestion: the first argument of the command that reports its acceptance.
---@param item { command?: lsp.Command }
function M.id_of(item)
  return item.command and item.command.arguments and item.command.arguments[1]
end

--- Tells every running server the settings as they are now.
---@param settings table
function M.configure(settings)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME })) do
    client.settings = { wright = settings }
    client:notify('workspace/didChangeConfiguration', { settings = { wright = settings } })
  end
end

--- Finds the project of a buffer. An empty buffer without a name, as Neovim starts with, is no reason to start a server.
---@param bufnr integer
---@param markers string[]
---@param start fun(root?: string)
function M.root(bufnr, markers, start)
  if vim.api.nvim_buf_get_name(bufnr) ~= '' or vim.bo[bufnr].filetype ~= '' then
    start(vim.fs.root(bufnr, markers))
  end
end

--- Tells whether a running server can serve another project, and adds the project to it: one model in memory is enough.
---@param client vim.lsp.Client
---@param config vim.lsp.ClientConfig
---@return boolean
function M.reuse(client, config)
  if client.name ~= config.name or client:is_stopped() then
    return false
  end
  local root = config.root_dir
  if root == nil or root == client.root_dir then
    return true
  end
  if not vim.tbl_get(client.server_capabilities or {}, 'workspace', 'workspaceFolders', 'supported') then
    return false
  end
  local folder = { uri = vim.uri_from_fname(root), name = root }
  client.workspace_folders = client.workspace_folders or {}
  local is_known = vim.iter(client.workspace_folders):any(function(other)
    return other.uri == folder.uri
  end)
  if not is_known then
    table.insert(client.workspace_folders, folder)
    client:notify('workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
  end
  return true
end

--- Stops the server; vim.lsp starts it again for the buffers that are open.
function M.restart()
  vim.lsp.enable(M.NAME, false)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME })) do
    client:stop()
  end
  local stopped = vim.wait(3000, function()
    return #vim.lsp.get_clients({ name = M.NAME }) == 0
  end, 20)
  if not stopped then
    for _, client in ipairs(vim.lsp.get_clients({ name = M.NAME })) do
      client:stop(true)
    end
  end
  vim.lsp.enable(M.NAME)
end

return M
