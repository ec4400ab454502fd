-- `:checkhealth wright`.

local inline = require('wright.inline')
local server = require('wright.server')
local status = require('wright.status')

local M = {}

local OLDEST_VERSION = '0.1.0'

local function check_neovim()
  local version = tostring(vim.version())
  if inline.is_supported() then
    vim.health.ok('Neovim ' .. version .. ' shows ghost text')
  else
    vim.health.warn('Neovim ' .. version .. ' has no ghost text from language servers', 'Use Neovim 0.12 or newer.')
  end
end

local function check_program()
  local program = require('wright').options.cmd[1]
  if vim.fn.executable(program) == 0 then
    vim.health.error(('the program `%s` was not found'):format(program), {
      'Install it as its README says: `make install` in a clone of the project.',
      "Or name it: `require('wright').setup({ cmd = { '/path/to/wright', 'lsp' } })`.",
    })
    return
  end
  local output = vim.system({ program, '--version' }, { text = true, timeout = 5000 }):wait().stdout or ''
  local version = output:match('^wright%s+v?(%d+%.%d+%.%d+)')
  if not version then
    vim.health.error(('`%s --version` says: %s'):format(program, vim.trim(output)), 'Another program has this name.')
  elseif vim.version.lt(version, OLDEST_VERSION) then
    vim.health.error('wright ' .. version .. ' is too old', 'Install version ' .. OLDEST_VERSION .. ' or newer.')
  else
    vim.health.ok(('wright %s is %s'):format(version, vim.fn.exepath(program)))
  end
end

local function check_server()
  local clients = vim.lsp.get_clients({ name = server.NAME })
  if #clients == 0 then
    vim.health.warn('the server does not run', {
      "Call `require('wright').setup()` in your configuration, and open a file.",
      'See `:lua vim.cmd.edit(vim.lsp.log.get_filename())`.',
    })
    return
  end
  for _, client in ipairs(clients) do
    local n_buffers = vim.tbl_count(client.attached_buffers)
    vim.health.ok(('the server runs for %d buffers in %s'):format(n_buffers, client.root_dir or 'no project'))
  end
  local state = (vim.g.wright_status or {}).state
  local report = (state == 'error' and vim.health.error) or (state == 'warning' and vim.health.warn) or vim.health.ok
  report(status.sentence())
end

--- Says what works and what to do about the rest.
function M.check()
  vim.health.start('wright')
  check_neovim()
  check_program()
  check_server()
  vim.health.info('`wright doctor` in a terminal says more; `:Wright log` tells why nothing was shown')
end

return M
