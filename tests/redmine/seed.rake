# What the tests find in their Redmine; the keys of its accounts are written to SEED_FILE.
namespace :nonreg do
  task :seed => :environment do
    Setting.rest_api_enabled = '1'
    Setting.login_required = '0'
    Setting.attachment_max_size = '2048' # KiB
    Setting.attachment_extensions_denied = 'exe'
    Setting.text_formatting = 'textile'

    admin = User.find_by_login('admin')
    admin.update!(:must_change_passwd => false)

    trackers = %w[Anomalie Régression].map do |name|
      tracker = Tracker.new(:name => name, :default_status => IssueStatus.find_by_name('New'))
      tracker.save!
      tracker.copy_workflow_rules(Tracker.find_by_name('Bug'))
      tracker
    end

    fingerprint = IssueCustomField.create!(
      :name => 'Empreinte', :field_format => 'string', :is_for_all => true, :is_filter => true,
      :trackers => trackers)
    IssueCustomField.create!(
      :name => 'Référence', :field_format => 'string', :is_for_all => true, :is_filter => false,
      :trackers => trackers)
    IssueCustomField.create!(
      :name => 'Sites', :field_format => 'list', :multiple => true, :possible_values => %w[A B],
      :is_for_all => true, :trackers => trackers)

    projects = {'aquareel' => true, 'fermé' => false, 'autre' => true, 'longue' => true}.map do |name, public|
      project = Project.new(
        :name => name, :identifier => name.parameterize, :is_public => public,
        :enabled_module_names => %w[issue_tracking time_tracking])
      project.trackers = trackers
      project.save!
      project
    end

    reading = [:view_issues, :view_time_entries]
    roles = {
      'automate' => reading + [:add_issues, :add_issue_notes],
      'modifieur' => reading + [:edit_issues],
      'lecteur' => [:view_issues],
      'voisin' => reading + [:add_issues, :add_issue_notes],
      'congédié' => reading + [:add_issues, :add_issue_notes],
    }
    keys = {'admin' => admin.api_key}
    roles.each do |name, permissions|
      role = Role.create!(:name => name, :permissions => permissions, :issues_visibility => 'all')
      login = name.parameterize
      user = User.new(
        :firstname => name, :lastname => 'Essai', :mail => "#{login}@exemple.test", :language => 'fr',
        :mail_notification => 'none')
      user.login = login
      user.password = user.password_confirmation = SecureRandom.hex(12)
      user.save!
      members = name == 'voisin' ? [projects[2]] : projects.values_at(0, 1, 3)
      members.each { |project| Member.create!(:project => project, :principal => user, :roles => [role]) }
      keys[login] = user.api_key
    end

    # More than two pages of a list.
    opened = IssueStatus.find_by_name('New')
    closed = IssueStatus.find_by_name('Closed')
    Issue.transaction do
      205.times do |index|
        Issue.create!(
          :project => projects[3], :tracker => trackers[0], :author => admin, :subject => "Série #{index}",
          :priority => IssuePriority.first, :status => index % 5 == 0 ? closed : opened)
        TimeEntry.create!(
          :project => projects[3], :user => admin, :author => admin, :hours => 0.25, :comments => index.to_s,
          :spent_on => '2024-01-15', :activity => TimeEntryActivity.first)
      end
    end

    # Rights that no role of the project tells: those of whoever is logged in, in a public project.
    Role.non_member.update!(:permissions => [:view_issues, :edit_issues])
    user = User.new(
      :firstname => 'Passant', :lastname => 'Essai', :mail => 'passant@exemple.test', :language => 'fr')
    user.login = 'passant'
    user.password = user.password_confirmation = SecureRandom.hex(12)
    user.save!
    keys['passant'] = user.api_key
    Role.anonymous.update!(:permissions => [:view_issues])

    known = {
      :keys => keys,
      :trackers => Tracker.pluck(:name, :id).to_h,
      :statuses => IssueStatus.pluck(:name, :id).to_h,
      :fields => IssueCustomField.pluck(:name, :id).to_h,
      :projects => Project.pluck(:identifier, :id).to_h,
      :activity => TimeEntryActivity.first.id,
      :users => User.where(:type => 'User').pluck(:login, :id).to_h
    }
    File.write(ENV.fetch('SEED_FILE'), known.to_json)
  end
end
